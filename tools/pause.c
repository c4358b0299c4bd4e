// SPDX-License-Identifier: Apache-2.0
//
// The first process of every pod: holds its namespaces, reaps the orphans of a shared PID namespace,
// ends on TERM or INT. Static and tiny, since each pod has one. Signals are taken by sigwait, so
// there is no handler and no race.
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void) {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &awaited, NULL) != 0) {
        return 1;
    }
    for (;;) {
        int signal = 0;
        if (sigwait(&awaited, &signal) != 0) {
            return 1;
        }
        if (signal != SIGCHLD) {
            return 0;
        }
        // One SIGCHLD may stand for several children.
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
    }
}

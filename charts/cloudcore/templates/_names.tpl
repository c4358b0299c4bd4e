{{- define "cloudcore.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "cloudcore.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cloudcore.labels" -}}
{{ include "cloudcore.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: farhold
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "cloudcore.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "cloudcore.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* What only one release of a cluster may call its own. */}}
{{- define "cloudcore.clusterName" -}}
{{- printf "farhold:%s:%s" .Release.Namespace (include "cloudcore.name" .) -}}
{{- end -}}

{{- define "cloudcore.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Where machines connect, as the join line has it. */}}
{{- define "cloudcore.hubNames" -}}
{{- $own := printf "%s.%s.svc:%v" (include "cloudcore.name" .) .Release.Namespace .Values.service.port -}}
{{- .Values.hub.names | default (list $own) | toJson -}}
{{- end -}}

{{/* The listening host as HOST of HOST:PORT. */}}
{{- define "cloudcore.listenHost" -}}
{{- if contains ":" .Values.listenHost -}}
{{- printf "[%s]" .Values.listenHost -}}
{{- else -}}
{{- .Values.listenHost -}}
{{- end -}}
{{- end -}}

{{- define "cloudcore.subjects" -}}
- kind: ServiceAccount
  name: {{ include "cloudcore.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "cloudcore.flowSubjects" -}}
- kind: ServiceAccount
  serviceAccount:
    name: {{ include "cloudcore.serviceAccount" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}

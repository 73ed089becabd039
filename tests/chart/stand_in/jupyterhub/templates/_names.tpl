{{- define "jupyterhub.hub.fullname" -}}hub{{- end }}
{{- define "jupyterhub.hub-pvc.fullname" -}}hub-db-dir{{- end }}
{{- define "jupyterhub.proxy-public.fullname" -}}proxy-public{{- end }}
{{- define "jupyterhub.proxy-http.fullname" -}}proxy-http{{- end }}
{{- define "jupyterhub.labels" -}}
app: jupyterhub
release: {{ .Release.Name }}
{{- end }}
{{- define "jupyterhub.matchLabels" -}}
app: jupyterhub
component: {{ .componentLabel }}
release: {{ .Release.Name }}
{{- end }}
{{- define "jupyterhub.imagePullSecrets" -}}
{{- $found := list }}
{{- range concat (.image.pullSecrets | default list) .root.Values.imagePullSecrets }}
{{- $found = append $found (dict "name" .) }}
{{- end }}
{{- with $found }}{{ toJson . }}{{ end }}
{{- end }}

{{- define "jupyterhub.hub.fullname" -}}hub{{- end }}
{{- define "jupyterhub.proxy-public.fullname" -}}proxy-public{{- end }}
{{- define "jupyterhub.labels" -}}
app: jupyterhub
release: {{ .Release.Name }}
{{- end }}

{{- define "jupyterhub.hub.fullname" -}}hub{{- end }}
{{- define "jupyterhub.proxy-public.fullname" -}}proxy-public{{- end }}
{{- define "jupyterhub.labels" -}}
app: jupyterhub
release: {{ .Release.Name }}
{{- end }}
{{- define "jupyterhub.imagePullSecrets" -}}
{{- with .root.Values.imagePullSecrets }}{{ toJson . }}{{ end }}
{{- end }}

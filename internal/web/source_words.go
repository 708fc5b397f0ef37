package web

import "github.com/a-h/templ"

func sampleNames(v View, key string) []string {
	var out []string
	for _, s := range samples(v, key) {
		out = append(out, s.Name)
	}
	return out
}

func samplePanels(v View, id, key string) []templ.Component {
	var out []templ.Component
	for _, s := range samples(v, key) {
		out = append(out, samplePanel(id, s))
	}
	return out
}

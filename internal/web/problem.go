package web

import (
	"net/http"

	"cairn"
)

// A problem is what a page says when it could not do what was asked: what
// happened, what is safe, what to do.
type problem struct {
	Status            int
	Icon, Title, Text string
	Next, Href        string // the way on
}

func problemOf(err error) problem {
	text := cairn.TextOf(err)
	p := problem{Status: http.StatusInternalServerError, Icon: "alert-triangle", Title: "Something went wrong",
		Text: text, Next: "Back to Today", Href: "/today"}
	switch cairn.KindOf(err) {
	case cairn.Invalid:
		p.Status, p.Title = http.StatusUnprocessableEntity, "This cannot be taken as it is"
	case cairn.Unauthentic:
		p.Status, p.Title, p.Icon = http.StatusUnauthorized, "Sign in first", "lock"
		p.Next, p.Href = "Sign in", "/signin"
	case cairn.Forbidden:
		p.Status, p.Title, p.Icon = http.StatusForbidden, "This is not open to you", "lock"
	case cairn.NotFound:
		p.Status, p.Title, p.Icon = http.StatusNotFound, "Not found", "search"
	case cairn.Conflict:
		p.Status, p.Title = http.StatusConflict, "Somebody was faster"
	case cairn.TooLarge:
		p.Status, p.Title = http.StatusRequestEntityTooLarge, "Too large"
	case cairn.TooMany:
		p.Status, p.Title = http.StatusTooManyRequests, "Too many at once"
	case cairn.Busy, cairn.Unavailable:
		p.Status, p.Title = http.StatusServiceUnavailable, "Not possible right now"
	}
	return p
}

package web

import (
	"cairn"
	"cairn/internal/reply"
)

// A problem is what a page says when it could not do what was asked: what
// happened, what is safe, what to do.
type problem struct {
	Status            int
	Icon, Title, Text string
	Next, Href        string // the way on
}

func problemOf(err error) problem {
	p := problem{Status: reply.Status(err), Icon: "alert-triangle", Title: "Something went wrong", Text: cairn.TextOf(err),
		Next: "Back to Today", Href: "/today"}
	switch cairn.KindOf(err) {
	case cairn.Invalid:
		p.Title = "This cannot be taken as it is"
	case cairn.Unauthentic:
		p.Title, p.Icon = "Sign in first", "lock"
		p.Next, p.Href = "Sign in", "/signin"
	case cairn.Forbidden:
		p.Title, p.Icon = "This is not open to you", "lock"
	case cairn.NotFound:
		p.Title, p.Icon = "Not found", "search"
	case cairn.Conflict:
		p.Title = "Nothing was changed"
	case cairn.TooLarge:
		p.Title = "Too large"
	case cairn.TooMany:
		p.Title = "Too many at once"
	case cairn.Busy, cairn.Unavailable:
		p.Title = "Not possible right now"
	}
	return p
}

package app

import (
	"context"

	"cairn/internal/demo"
)

// A Demonstration feeds a made-up company through the front door.
type Demonstration interface {
	// Feed tells the company's history, going on where it was broken off.
	Feed(ctx context.Context, o demo.Options, say func(Progress)) (DemoFed, error)
}

// A DemoFed is the made-up company that a Cairn now holds.
type DemoFed struct {
	Accounts int    `json:"accounts"`
	Months   int    `json:"months"`
	Seed     int64  `json:"seed"`
	Until    string `json:"until"` // date
	Login    string `json:"login"` // address that a visitor signs in with
	Password string `json:"password"`
}

// Demo feeds a made-up company.
var Demo = Op[demo.Options, DemoFed]{"demo", func(ctx context.Context, h House, o demo.Options, say func(Progress)) (DemoFed, error) {
	return h.Demo.Feed(ctx, o, say)
}}

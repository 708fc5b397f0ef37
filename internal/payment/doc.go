// Package payment tells what keeps customers from paying: invoices that are
// late, payments that failed, cards about to expire, and what was stopped
// altogether (R112). It judges one invoice at a time, so that what a signal
// measures and what a page lists are the same; a [Service] goes through all of
// them, as of any moment, by what was known then.
package payment

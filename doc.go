// Package cairn holds the nouns that flow through Cairn: accounts, people,
// events, signals, vectors, reasons, decisions, money, and the one error type.
// It uses the standard library only and does no I/O.
//
// Everything that happens is an [Event] in one append-only log. Everything
// else is derived from that log by pure functions of history and a moment.
// An event has the time it happened (At) and the time we learned of it (Seen),
// so "what was true then" and "what did we know then" can both be answered.
package cairn

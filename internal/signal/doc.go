// Package signal turns history into measured facts about an account.
//
// [State] is what a stage keeps: tallies by day, event name and product, the
// people behind them as numbers, and the facts that sources stated. Folding
// events into it does not depend on their order. [Catalogue] measures a state
// at a moment: typed signals with how fresh they are, or the reason why one is
// missing. What could not be known is missing, which is not zero.
//
// Everything here is pure: no clock, no I/O. Whoever asks twice about the same
// history and moment gets the same answer.
package signal

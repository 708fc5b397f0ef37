// Package outcome tells what became of customers: who left and why. What the
// ledger books and what people and sources say of it are joined here when it
// is asked for, and neither is changed by the other.
package outcome

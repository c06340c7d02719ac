// Package term is how trustfs talks to people: names and findings made harmless for a terminal, tables, colours only where
// somebody looks, a progress bar for long work. Nothing here reads models or decides.
package term

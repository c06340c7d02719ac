// Package remedy works out what would admit a refused file: which approvals are left to give, and which cannot be given.
// It only reads reports; whether a remedy is taken is the operator's choice, and the gatekeeper judges again afterwards.
package remedy

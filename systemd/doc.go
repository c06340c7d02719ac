// Package systemd holds the unit that runs a mount as a service. There is no Go in it but the test that holds the unit
// against systemd's own checker.
package systemd

// Package mounts finds trustfs mounts from outside: which there are, and what one says of a file. It talks to no daemon;
// everything comes from the kernel's mount table and from extended attributes.
package mounts

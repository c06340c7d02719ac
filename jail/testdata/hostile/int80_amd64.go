package main

// int80getpid asks for the pid as a 32-bit program would.
func int80getpid() int64

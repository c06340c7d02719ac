// Package config is the one typed configuration: what the file /etc/trustfs/trustfs.yaml may say, what the flags may say,
// what holds when neither does, and where each value came from.
//
// A key of the file and the flag of the same name are one row of one table. The file is decoded strictly: an unknown key, a
// key given twice, a value of the wrong type or out of range is an error that names the key and the line, since a
// misspelled key that is silently ignored would leave a gate open. A flag replaces the file's value, lists too.
//
// This package opens the configuration file and nothing else; it judges no models and knows no rule.
package config

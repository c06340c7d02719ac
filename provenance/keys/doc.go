// Package keys checks detached signatures (FILE.sig, FILE.minisig) by keys that the operator names: Ed25519, ECDSA on
// P-256, P-384 and P-521, and RSA of 2048 bits and more, as cosign, openssl, ssh-keygen's key files and minisign have them.
//
// A raw signature does not say whose it is. One whose shape no trusted key could have made is unknown; one that some
// trusted key could have made and none did is invalid: the bytes are not what was signed, or somebody else signed them.
package keys

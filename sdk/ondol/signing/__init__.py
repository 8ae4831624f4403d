"""Who vouches for a bundle: Ed25519 keys, signatures of manifests, and whom this machine trusts."""

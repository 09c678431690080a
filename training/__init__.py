"""Makes the offline classifier from the labelled notes: `make tune` tunes the encoder, `make train` fits the heads.

Nothing of the running system imports this package. JAX and scikit-learn are needed only here.
"""

"""The conformance kit, tried on devices and programs that keep the contract and on some that do not."""

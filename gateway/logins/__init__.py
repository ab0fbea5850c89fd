"""Sign-ins that are going on: begun here, finished by the gateway itself."""

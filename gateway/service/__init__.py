"""Starting the gateway with the machine or the session, by what each system has for that."""

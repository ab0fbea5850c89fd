"""Instead of a hook that names all of the standard library's, which on Linux is not the one."""

hiddenimports = ["sqlite3.dbapi2"]

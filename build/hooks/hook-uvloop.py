"""What uvloop's extension imports, without its tests."""

hiddenimports = ["uvloop._noop"]

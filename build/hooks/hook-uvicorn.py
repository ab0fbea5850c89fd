"""uvicorn imports its parts by name: the one protocol that is configured, and no lifespan."""

hiddenimports = ["uvicorn.lifespan.off", "uvicorn.protocols.http.httptools_impl"]

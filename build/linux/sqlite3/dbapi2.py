"""The same; SQLAlchemy asks for the module by this name."""

from sqlean.dbapi2 import *  # noqa: F403  # whatever it has is what this one has

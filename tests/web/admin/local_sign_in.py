"""A sign-in as the Kiro IDE leaves it on a machine."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path


def sign_in_of_the_ide(path: Path) -> None:
    """Write it to a file."""
    path.parent.mkdir(parents=True)
    token = {
        "accessToken": "aoaAAAAAIDEACCESS",
        "refreshToken": "aorAAAAAIDEREFRESH",
        "expiresAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "authMethod": "social",
        "provider": "Google",
        "profileArn": "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABC",
        "region": "us-east-1",
    }
    path.write_text(json.dumps(token))

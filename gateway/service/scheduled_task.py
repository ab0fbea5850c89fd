"""A scheduled task that runs while its user is logged on, on Windows.

A Windows service would have to answer the service manager and would run as somebody else; a task is
what a program in a user's own folder can have without an administrator.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gateway.errors import ServiceFailed
from gateway.service.service import DESCRIPTION, NAME, Run, State, run

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """See `gateway.service.service.Service`.

    Args:
        folder: of the program's own, for the task's description and the log.
        user: whose logon starts it, with the domain in front.
    """

    folder: Path
    user: str
    run: Run = run

    @property
    def place(self) -> Path:
        """The description, as it was handed to the scheduler."""
        return self.folder / f"{NAME}-task.xml"

    @property
    def log_file(self) -> Path:
        """Where the task's output goes."""
        return self.folder / f"{NAME}.log"

    @property
    def logs(self) -> str:
        """Of PowerShell."""
        return f"Get-Content -Wait '{self.log_file}'"

    @property
    def restart_command(self) -> str:
        """Of schtasks."""
        return f"schtasks /End /TN {NAME} & schtasks /Run /TN {NAME}"

    def install(self, command: Sequence[str], drain: float) -> None:
        """Write the description, hand it over, and run the task.

        The scheduler ends a task without giving it time, so that there is none to tell it of.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # The scheduler reads UTF-16 and nothing else.
            self.place.write_text(self.description(command), encoding="utf-16")
        except OSError as exc:
            raise ServiceFailed(f"{self.place} cannot be written: {exc.strerror}.") from exc
        self.run(["schtasks", "/Create", "/F", "/TN", NAME, "/XML", str(self.place)])
        self.run(["schtasks", "/Run", "/TN", NAME])

    def uninstall(self) -> None:
        """End the task and take it from the scheduler."""
        if self.state().running:
            self.run(["schtasks", "/End", "/TN", NAME])
        self.run(["schtasks", "/Delete", "/F", "/TN", NAME])
        self.place.unlink(missing_ok=True)

    def restart(self) -> None:
        """End it and run it."""
        if self.state().running:
            self.run(["schtasks", "/End", "/TN", NAME])
        self.run(["schtasks", "/Run", "/TN", NAME])

    def state(self) -> State:
        """What the scheduler knows of it."""
        if not self.place.exists():
            return State(installed=False)
        try:
            # schtasks answers in the system's language; this is a number.
            shown = self.run(
                [
                    "powershell",
                    "-NoProfile",
                    "-Command",
                    f"[int](Get-ScheduledTask -TaskName {NAME}).State",
                ]
            )
        except ServiceFailed:
            return State(installed=False)
        running = shown.strip() == "4"
        return State(installed=True, running=running, starts_by_itself=shown.strip() != "1")

    def description(self, command: Sequence[str]) -> str:
        """The task as XML, in the form of its schema 1.2."""
        task = Element("Task", version="1.2", xmlns=NAMESPACE)
        SubElement(SubElement(task, "RegistrationInfo"), "Description").text = DESCRIPTION
        trigger = SubElement(SubElement(task, "Triggers"), "LogonTrigger")
        SubElement(trigger, "UserId").text = self.user
        principal = SubElement(SubElement(task, "Principals"), "Principal", id="Author")
        SubElement(principal, "UserId").text = self.user
        SubElement(principal, "LogonType").text = "InteractiveToken"
        SubElement(principal, "RunLevel").text = "LeastPrivilege"
        settings = SubElement(task, "Settings")
        for name, value in (
            ("MultipleInstancesPolicy", "IgnoreNew"),
            ("DisallowStartIfOnBatteries", "false"),
            ("StopIfGoingOnBatteries", "false"),
            ("ExecutionTimeLimit", "PT0S"),
            ("Hidden", "true"),
        ):
            SubElement(settings, name).text = value
        retry = SubElement(settings, "RestartOnFailure")
        SubElement(retry, "Interval").text = "PT1M"
        SubElement(retry, "Count").text = "255"
        action = SubElement(SubElement(task, "Actions", Context="Author"), "Exec")
        # A task has no place for output of its own.
        SubElement(action, "Command").text = "cmd.exe"
        line = subprocess.list2cmdline(command)
        SubElement(action, "Arguments").text = f'/d /c "{line} >> "{self.log_file}" 2>&1"'
        indent(task)
        return f'<?xml version="1.0" encoding="UTF-16"?>\n{tostring(task, encoding="unicode")}\n'

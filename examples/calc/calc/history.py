"""What was computed, kept in a file."""

import json


class History:
    def __init__(self, path):
        self.path = path

    def add(self, text, result):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps([text, result]) + "\n")

    def entries(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                return [tuple(json.loads(line)) for line in file]
        except FileNotFoundError:
            return []

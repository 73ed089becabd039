"""Stands in for Superset: Flask-AppBuilder, of which Superset's login is made.

Loads `superset_config.py` from the working folder, as Superset does, and says who is logged in.
"""

import secrets
import sys

from flask import Flask, g
from flask_appbuilder import AppBuilder
from flask_appbuilder.utils.legacy import get_sqla_class
from werkzeug.serving import make_server

app = Flask(__name__, root_path=".")
app.config.from_pyfile("superset_config.py")
app.config.update(SECRET_KEY=secrets.token_hex(32), SQLALCHEMY_DATABASE_URI="sqlite://")
database = get_sqla_class()(app)
with app.app_context():
    manager = app.config["CUSTOM_SECURITY_MANAGER"]
    builder = AppBuilder(app, database.session, security_manager_class=manager)
    for role in ("Alpha", "Gamma"):  # which Superset has
        builder.sm.add_role(role)


@app.get("/who")
def who() -> dict[str, object]:
    """Say who is logged in."""
    if not g.user.is_authenticated:
        return {}
    roles = sorted(role.name for role in g.user.roles)
    return {"name": g.user.username, "email": g.user.email, "roles": roles}


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(sys.argv[1]), app)
    print("ready", flush=True)
    server.serve_forever()

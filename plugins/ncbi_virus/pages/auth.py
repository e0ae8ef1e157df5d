"""Who may see the pages: whoever Airflow knows.

Airflow mounts a plugin's app as it is, and asks nobody for a login: the app has to.
"""

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends

LOGGED_IN = Depends(get_user)
"""Refuses a request without a token of Airflow's, in a cookie or as a bearer, with 401."""

Reader = Annotated[BaseUser, LOGGED_IN]
"""Who asks, for a route that has to tell people apart."""

"""Which failures Airflow retries."""

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from virus_warehouse.failure import PermanentFailure

RETRY_POLICY = ExceptionRetryPolicy(rules=[RetryRule(exception=PermanentFailure, action=RetryAction.FAIL)])
"""A failure that a retry cannot fix fails the task at once; the others use the configured retries."""

"""What boto3 is given by another program that answers as EC2 does."""

import json

import boto3
import pytest
from moto import mock_aws

from tests.prices.samples import read


def test_what_boto3_hands_over_is_imported_to_the_last_digit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("ec2", region_name="us-east-1")
        answer = client.describe_spot_price_history(InstanceTypes=["p4d.24xlarge"])
    zones = {point["AvailabilityZone"] for point in answer["SpotPriceHistory"]}
    assert len(zones) > 1
    text = json.dumps(answer, default=lambda moment: moment.isoformat())
    # the same in every zone, so that nothing must be chosen
    (one,) = read("aws-spot", text, instance="p4d.24xlarge=gres/gpu:a100*8")
    (price,) = {point["SpotPrice"] for point in answer["SpotPriceHistory"]}
    (began,) = {point["Timestamp"] for point in answer["SpotPriceHistory"]}
    assert price == "0.00001"
    assert (one.rate.price, one.rate.per, one.rate.pricing) == (10, 8, "spot")
    assert one.rate.start == int(began.timestamp())

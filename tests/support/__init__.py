"""What several tests share: brokers, proxies, models, samples of messages."""

"""The messaging contract: topics, messages and the documents made from them."""

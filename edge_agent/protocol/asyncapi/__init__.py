"""The messaging contract as documents that other programs read: an AsyncAPI document and JSON Schemas."""

from edge_agent.protocol.asyncapi.files import documents, write_documents

__all__ = ["documents", "write_documents"]

"""The tables and figures of Kusno & Chowanda, CommIT Journal 18(2), 2024, trained again beside their originals."""

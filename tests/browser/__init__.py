"""Journeys of users through the dashboard in headless Chromium."""

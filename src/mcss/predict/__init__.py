"""From pictures to motion: poses over time of videos, views and images; and the files and pages they are given in."""

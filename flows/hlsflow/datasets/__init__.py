"""Pictures with labels: found, checked, loaded, and which of them a build is verified on."""

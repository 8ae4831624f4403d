"""Native OpenVINO: a second engine on the same processor, to check the first against."""

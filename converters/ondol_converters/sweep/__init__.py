"""Models × recipes × targets into bundles: `ondol sweep`, here or on a Dask cluster."""

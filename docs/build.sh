#!/usr/bin/env bash
# Builds the documentation as a site in artifacts/site: the pages and the API reference. A warning, such as a broken link, fails it.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet tool restore
rm -rf artifacts/api artifacts/site
dotnet docfx metadata docfx.json --warningsAsErrors
dotnet docfx build docfx.json --warningsAsErrors
echo "artifacts/site/README.html"

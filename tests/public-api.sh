#!/usr/bin/env bash
# Writes every src/*/PublicAPI.Unshipped.txt anew, so that the baselines are what the code says: from the diagnostics
# RS0016 of one build. Review the difference and commit it with the change that caused it.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
projects=$(grep -L -E '<OutputType>Exe|<PackageType>Template' src/*/*.csproj)
for project in $projects; do
  folder=$(dirname "$project")
  [ -f "$folder/PublicAPI.Shipped.txt" ] || printf '#nullable enable\n' > "$folder/PublicAPI.Shipped.txt"
  printf '#nullable enable\n' > "$folder/PublicAPI.Unshipped.txt"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  echo '<Project><ItemGroup>'
  for project in $projects; do echo "<P Include=\"$top/$project\" />"; done
  echo '</ItemGroup>'
  echo '<Target Name="Restore"><MSBuild Projects="@(P)" Targets="Restore" /></Target>'
  echo '<Target Name="Go"><MSBuild Projects="@(P)" Targets="Rebuild" /></Target>'
  echo '</Project>'
} > "$work/all.proj"
export RunAnalyzers=true
dotnet msbuild "$work/all.proj" -t:Restore -nologo -v:quiet > /dev/null
dotnet msbuild "$work/all.proj" -t:Go -nologo -v:quiet -p:Configuration=Release -p:TreatWarningsAsErrors=false \
  "-flp:logfile=$work/log;verbosity=normal" > /dev/null || { grep error "$work/log" | sort -u | head -20; exit 1; }
python3 - "$work/log" <<'PY'
import glob, os, re, sys
members = {}
for line in open(sys.argv[1], encoding='utf-8', errors='replace'):
    found = re.search(r"warning RS0016: Symbol '(.*)' is not part of the declared public API.*\[(.*?)\]\s*$", line)
    if found:
        members.setdefault(os.path.basename(os.path.dirname(found.group(2).split('::')[0])), set()).add(found.group(1))
for path in sorted(glob.glob('src/*/PublicAPI.Unshipped.txt')):
    folder = os.path.dirname(path)
    shipped = set(open(os.path.join(folder, 'PublicAPI.Shipped.txt'), encoding='utf-8').read().splitlines())
    own = members.get(os.path.basename(folder), set()) - shipped
    with open(path, 'w', encoding='utf-8', newline='\n') as out:
        out.write('#nullable enable\n' + ''.join(member + '\n' for member in sorted(own)))
    print(f'{path}: {len(own)} members')
PY

# Starts the course on Windows: finds a Python, and runs start.py with it.
#     powershell -ExecutionPolicy Bypass -File start.ps1
Set-Location $PSScriptRoot
$candidates = @()
if (Get-Command py -ErrorAction SilentlyContinue) {
    foreach ($version in "3.13", "3.12", "3.11", "3.14") { $candidates += , @("py", "-$version") }
}
# "python" may be the Microsoft Store's stand-in, which runs nothing.
if (Get-Command python -ErrorAction SilentlyContinue) { $candidates += , @("python") }
if (Get-Command python3 -ErrorAction SilentlyContinue) { $candidates += , @("python3") }
foreach ($candidate in $candidates) {
    $program = $candidate[0]
    $first = @($candidate | Select-Object -Skip 1)
    & $program @first -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))" 2>&1 | Out-Null
    if ($LASTEXITCODE -eq 0) {
        & $program @first start.py @args
        exit $LASTEXITCODE
    }
}
Write-Host "Stopped: found no Python 3.11 to 3.14. Install one with: winget install Python.Python.3.13"
exit 1

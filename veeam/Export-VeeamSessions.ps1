<#
.SYNOPSIS
    Writes what the newest sessions of this Veeam Backup & Replication server stored into one JSON file.

.DESCRIPTION
    For servers before 12.3, whose REST API does not tell deduplication and compression. The exporter reads the file
    from a share; see `drop_file` in its documentation. The script only reads, opens no port and knows no password.
    It was written from the documented properties of session objects and has not yet been run on a real server.

    It asks for all sessions once, writes into a new file beside the old one, and then puts it in its place, so a reader
    finds either the old file or the new one. It exits with 0 when the file is in place, else with 1 and a message.

    It must run on the backup server, as an account with the role Veeam Backup Administrator: Windows PowerShell 5.1 for
    versions 11 and 12, PowerShell 7 for version 13. To run it every hour, in an elevated prompt:

    schtasks /Create /TN "Veeam sessions for ebbtide" /SC HOURLY /RU "EXAMPLE\svc-veeam-report" /RP * /RL HIGHEST /TR "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:\ebbtide\Export-VeeamSessions.ps1 -Path D:\ebbtide\sessions.json"

    The account needs the right to log on as a batch job (secpol.msc, User Rights Assignment): schtasks warns where it
    lacks it, and the task then never starts. For version 13, write pwsh.exe instead of powershell.exe. Give the
    exporter's account read access to the folder, and nobody but the account of the task write access.

.PARAMETER Path
    The file to write. Its folder must exist.

.PARAMETER Days
    How far back sessions are written. The efficiency of a job is judged by 90 days.

.EXAMPLE
    .\Export-VeeamSessions.ps1 -Path D:\ebbtide\sessions.json -Days 90
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [ValidateNotNullOrEmpty()]
    [string] $Path,

    [ValidateRange(1, 3660)]
    [int] $Days = 90
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function Format-Utc([object] $Moment) {
    # A session that runs ends in 1900.
    if ($null -eq $Moment -or $Moment.Year -lt 1971) {
        return $null
    }
    # What .NET calls unspecified is the local time of the server.
    return ([datetime] $Moment).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [cultureinfo]::InvariantCulture)
}

function ConvertTo-Record([object] $Session) {
    $stats = $Session.BackupStats
    return [ordered] @{
        session_id       = $Session.Id.ToString()
        job_id           = $Session.JobId.ToString()
        job_name         = [string] $Session.JobName
        job_type         = $Session.JobType.ToString()
        result           = $Session.Result.ToString()
        state            = $Session.State.ToString()
        algorithm        = $Session.Info.SessionAlgorithm.ToString()
        created_utc      = Format-Utc $Session.CreationTime
        ended_utc        = Format-Utc $Session.EndTime
        data_bytes       = [int64] $stats.DataSize
        backup_bytes     = [int64] $stats.BackupSize
        # Percent that is left: 100 means that nothing was saved.
        dedup_percent    = [int] $stats.DedupRatio
        compress_percent = [int] $stats.CompressRatio
    }
}

$temporary = $null
try {
    if (-not (Get-Command -Name Get-VBRBackupSession -ErrorAction SilentlyContinue)) {
        if (Get-Module -ListAvailable -Name Veeam.Backup.PowerShell) {
            Import-Module -Name Veeam.Backup.PowerShell -DisableNameChecking
        }
        else {
            # Version 10 and older.
            Add-PSSnapin -Name VeeamPSSnapin
        }
    }

    $from = (Get-Date).AddDays(-$Days)
    # All at once: each call reads the whole history.
    $sessions = @(Get-VBRBackupSession | Where-Object { $_.CreationTime -ge $from })
    $skipped = 0
    $records = @(
        foreach ($session in $sessions) {
            try {
                ConvertTo-Record $session
            }
            catch {
                $skipped++
                Write-Warning "Session $($session.Id) is left out: $($_.Exception.Message)"
            }
        }
    )

    $document = [ordered] @{
        schema_version     = 1
        generated_at       = Format-Utc (Get-Date)
        vbr_name           = $env:COMPUTERNAME
        powershell_version = $PSVersionTable.PSVersion.ToString()
        unit               = 'percent'
        days               = $Days
        skipped            = $skipped
        sessions           = $records
    }
    $json = ConvertTo-Json -InputObject $document -Depth 5 -Compress

    $target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
    # In the same folder, since only there does a move replace the file at once.
    $temporary = "$target.$PID.tmp"
    [System.IO.File]::WriteAllText($temporary, $json, (New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false))
    if ([System.IO.File]::Exists($target)) {
        [System.IO.File]::Replace($temporary, $target, [NullString]::Value)
    }
    else {
        [System.IO.File]::Move($temporary, $target)
    }
    exit 0
}
catch {
    if ($temporary -and [System.IO.File]::Exists($temporary)) {
        [System.IO.File]::Delete($temporary)
    }
    [Console]::Error.WriteLine("Export-VeeamSessions: $($_.Exception.Message)")
    exit 1
}

namespace MtaTls.Configuration;

/// <summary>Tells one version of a file from another. A call of stat costs nothing beside a handshake, and sees every replacement; the swapped directory links of mounted secrets too.</summary>
internal readonly record struct FileStamp(DateTime Written, long Length)
{
    /// <summary>The stamp of the file that a path names now; the default value where there is none.</summary>
    public static FileStamp Of(string? path)
    {
        if (path is null)
        {
            return default;
        }

        try
        {
            FileSystemInfo file = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
            return file.Exists ? new FileStamp(file.LastWriteTimeUtc, ((FileInfo)file).Length) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}

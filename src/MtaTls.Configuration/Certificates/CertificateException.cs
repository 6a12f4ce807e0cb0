namespace MtaTls.Configuration;

/// <summary>A configured certificate cannot be loaded.</summary>
/// <param name="setting">The wrong setting, such as KeyPath; empty for the whole section.</param>
/// <param name="message">The problem, with the file's name. It follows the setting's key and a colon.</param>
/// <param name="innerException">The cause.</param>
internal sealed class CertificateException(string setting, string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>The wrong setting; empty for the whole section.</summary>
    public string Setting => setting;

    /// <summary>Returns the full key of the setting.</summary>
    /// <param name="section">The key of the certificate's section.</param>
    public string Key(string section) => setting.Length == 0 ? section : $"{section}:{setting}";
}

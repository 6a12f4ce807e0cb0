namespace MtaTls.AspNetCore;

/// <summary>When the application gets a channel.</summary>
public enum MtaTlsDispatch
{
    /// <summary>
    /// With the first byte that the client sends, so that a channel without data needs no HTTP pipeline. The default. It suits every
    /// protocol in which the client speaks first, such as HTTP.
    /// </summary>
    FirstData,

    /// <summary>As soon as it is open: for protocols other than HTTP in which the server speaks first.</summary>
    Open,
}

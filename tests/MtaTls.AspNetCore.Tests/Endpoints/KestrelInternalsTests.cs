using MtaTls.AspNetCore.Endpoints;

namespace MtaTls.AspNetCore.Tests.Endpoints;

public sealed class KestrelInternalsTests
{
    // With a Kestrel for which this fails, UseMtaTls() warns and leaves every endpoint alone.
    [Fact]
    public void This_Kestrel_has_the_members_that_tell_an_endpoints_settings() => Assert.True(KestrelInternals.AreAvailable);
}

import time
from playwright.sync_api import expect
from axe_playwright_python.sync_playwright import Axe
def test_a(visits, sandbox, site):
    t=time.time()
    page = visits("admin")
    print("ctx", time.time()-t)
    for url in ("/", "/users/", "/domains/", "/activity/"):
        t=time.time()
        page.goto(url)
        print(url, time.time()-t); t=time.time()
        r = Axe().run(page)
        print("axe", time.time()-t, r.violations_count); t=time.time()
        page.emulate_media(color_scheme="dark")
        r = page.evaluate("axe.run({runOnly:['color-contrast'],resultTypes:['violations']})")
        print("dark", time.time()-t, len(r["violations"]))
        page.emulate_media(color_scheme="light")
    t=time.time()
    site.restore()
    print("restore", time.time()-t)
    u = sandbox.user("anna.keller@nordwind.example")
    t=time.time()
    page.goto(f"/users/{u}/")
    expect(page.locator("#reading .opened h2")).to_be_visible()
    print("hub", time.time()-t); t=time.time()
    r = Axe().run(page)
    print("axe", time.time()-t, r.violations_count); t=time.time()
    t=time.time()
    page.keyboard.press("a")
    expect(page.locator("#reading .acted h2")).to_be_visible()
    print("a", time.time()-t, r.violations_count); t=time.time()
    page.screenshot(path="/tmp/try/acted.png")
def test_b(visits, sandbox, site): pass
def test_c(visits, sandbox, site): pass
